"""Settings of Spark for small tables."""

LIGHT = {
    "spark.sql.shuffle.partitions": "3",
    "spark.driver.memory": "1g",
    # Small tables: what Java compiles costs more than it saves.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}
