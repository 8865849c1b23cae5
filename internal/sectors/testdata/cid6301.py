"""Writes cid6301.json: the 39 concepts of DICOM CID 6301 (PI-RADS v2 sectors) as pydicom lists them.

Made with pydicom 2.3.1: python3 cid6301.py > cid6301.json
"""
import json

from pydicom.sr._cid_dict import cid_concepts
from pydicom.sr._concepts_dict import concepts

out = {}
for scheme, keywords in cid_concepts[6301].items():
    for keyword in keywords:
        for code, (meaning, contexts) in concepts[scheme][keyword].items():
            if 6301 in contexts:
                out[code] = meaning
print(json.dumps(out, indent=1, sort_keys=True))
