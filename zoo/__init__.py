"""Third-party models with the HEAR API: models whose weights come in wheels, and adapters.

The wheels are installed without their dependencies (requirements-models.txt) and never imported:
the networks are defined here and read only the weight files. Adapters add the HEAR API to an X-ARES
encoder, a transformers folder or an ONNX file; workflow/study/apis.py lists them.
"""
