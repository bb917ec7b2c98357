"""Another engine's inbox: the server of the python package hl7, which answers AA and writes what it read.

One line of JSON for each message: control id, type, what it answers, patient, document, parent, text.
"""

import asyncio
import json
import sys

import hl7
from hl7.mllp import start_hl7_server


def read(message):
    def value(segment, *place):
        try:
            return str(message.extract_field(segment, 1, *place))
        except (KeyError, IndexError, LookupError):
            return ""

    def lines():
        for segment in message.segments("OBX"):
            if str(segment(2)) == "TX":
                yield message.unescape(str(segment(5)))

    return {
        "control_id": value("MSH", 10),
        "type": f"{value('MSH', 9, 1, 1)}^{value('MSH', 9, 1, 2)}",
        "receiver": value("MSH", 5),
        "patient": value("PID", 3, 1, 1),
        "name": f"{value('PID', 5, 1, 1)} {value('PID', 5, 1, 2)}",
        "document": value("TXA", 12, 1, 1),
        "text": "\n".join(lines()),
    }


async def main(out):
    async def hospital(reader, writer):
        try:
            while not writer.is_closing():
                message = await reader.readmessage()
                with open(out, "a", encoding="utf-8") as file:
                    file.write(json.dumps(read(message), ensure_ascii=False) + "\n")
                writer.writemessage(message.create_ack())
                await writer.drain()
        except asyncio.IncompleteReadError:
            writer.close()

    server = await start_hl7_server(hospital, host="127.0.0.1", port=0, limit=32 * 1024 * 1024, encoding="iso2022_jp")
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


asyncio.run(main(sys.argv[1]))
