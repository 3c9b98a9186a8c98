"""What users ask for: gradients, Jacobians and Hessians in closed form.

Read `gradients.py`, which makes several attempts and keeps the best; `higher.py`, with the front
door `derive`; `matrices.py`, which reads a matrix off its product with a vector. `residual.py`
brings the difference of two formulas to closed form, for those who compare and do not read.
"""
