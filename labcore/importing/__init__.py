"""Data sets in archives are unpacked into the workspace, as a job."""
