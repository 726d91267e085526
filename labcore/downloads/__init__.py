"""Standard data sets, downloaded by name into the workspace: from where each is published, from a mirror, or from a file put there by hand.

A download goes on where it broke off. What came is held against its checksum, unpacked as any archive (:mod:`labcore.importing`) and named.
"""
