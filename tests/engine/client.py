"""Another engine's sender: the client of the python package hl7. Prints the acknowledgement as it reads it."""

import sys

import hl7
from hl7.client import MLLPClient

host, port, path = sys.argv[1:4]
with open(path, "rb") as file:
    raw = file.read()
with MLLPClient(host, int(port)) as client:
    answer = client.send_message(raw)
ack = hl7.parse(answer.decode("ascii").strip("\x0b\x1c\r"))
print(ack.extract_field("MSA", 1, 1), ack.extract_field("MSA", 1, 2), ack.extract_field("MSH", 1, 9, 1, 1))
