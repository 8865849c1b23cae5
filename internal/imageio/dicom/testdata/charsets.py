#!/usr/bin/python3
"""Names and descriptions as pydicom encodes them: ./charsets.py > charsets.json"""
import json
from pydicom.charset import convert_encodings, encode_string
from pydicom.valuerep import PersonName

ROWS = [
    ("\\ISO 2022 IR 87", "Yamada^Tarou=山田^太郎=やまだ^たろう", "PN"), ("ISO 2022 IR 13\\ISO 2022 IR 87", "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう", "PN"),
    ("\\ISO 2022 IR 149", "Hong^Gildong=洪^吉洞=홍^길동", "PN"), ("ISO_IR 144", "Люкceмбypг", "PN"), ("ISO_IR 127", "قباني^لنزار", "PN"),
    ("ISO_IR 126", "Διονυσιος", "PN"), ("ISO_IR 138", "שרון^דבורה", "PN"), ("ISO_IR 100", "Buc^Jérôme", "PN"),
    ("ISO_IR 192", "Wang^XiaoDong=王^小东", "PN"), ("GB18030", "Wang^XiaoDong=王^小东", "PN"), ("\\ISO 2022 IR 58", "Zhang^XiaoDong=张^小东", "PN"),
    ("ISO_IR 166", "นามสกุล^ชื่อ", "PN"), ("ISO_IR 101", "Wałęsa^Żółć", "PN"), ("\\ISO 2022 IR 144\\ISO 2022 IR 126", "Люкceмбypг^Διονυσιος", "PN"),
    ("\\ISO 2022 IR 87", "前立腺のMRI検査", "LO"), ("ISO_IR 13", "ﾔﾏﾀﾞ", "LO"),
]
lines = []
for terms, text, vr in ROWS:
    encodings = convert_encodings(terms.split("\\"))
    raw = PersonName(text, encodings=encodings).encode(encodings) if vr == "PN" else encode_string(text, encodings)
    lines.append(json.dumps({"Charset": terms, "VR": vr, "Bytes": raw.hex(), "Text": text}))
print("[" + ",\n".join(lines) + "]")
