"""A new call to start from: answers to a few questions, put into the templates beside this file.

Takes answers, gives the text of a policy, its cases, an example application and the text that it quotes. Their wording is in
`templates/`, the questions in `questions.toml`, words with their plurals and translations in `glossary.toml`: none of them is code.
"""
