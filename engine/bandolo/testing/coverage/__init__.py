"""What the cases of a policy look at: the obligations that a policy sets them, and which of these they meet.

`obligations.survey` lists them from `core`; `watching.Watch` sees what the cases do; `measure.measure` puts the two together.
"""
