#!/usr/bin/python3
"""A cabinet's I/O board played by pymodbus. pymodbus_board.py tcp PORT | rtu DEVICE. Wired as the driver's generic
map; each line on standard input ("di 2 1": table, address, value) changes one and is answered with "set"."""
import asyncio
import sys
import threading

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartAsyncSerialServer, StartAsyncTcpServer
from pymodbus.transaction import ModbusRtuFramer

FUNCTION = {"co": 1, "di": 2, "hr": 3, "ir": 4}


def block(*values):
    return ModbusSequentialDataBlock(0, list(values))


board = ModbusSlaveContext(
    di=block(0, 1, 0, 0, 0, 1),
    co=block(1, 1),
    ir=block(253, 415, 2380, 12050),
    hr=block(0),
    zero_mode=True,
)
context = ModbusServerContext(slaves={1: board}, single=False)


def obey():
    for line in sys.stdin:
        table, address, value = line.split()
        board.setValues(FUNCTION[table], int(address), [int(value)])
        print("set", flush=True)


threading.Thread(target=obey, daemon=True).start()
if sys.argv[1] == "tcp":
    asyncio.run(StartAsyncTcpServer(context=context, address=("127.0.0.1", int(sys.argv[2]))))
else:
    asyncio.run(
        StartAsyncSerialServer(
            context=context,
            framer=ModbusRtuFramer,
            port=sys.argv[2],
            baudrate=9600,
            bytesize=8,
            parity="N",
            stopbits=1,
            timeout=0.05,
        )
    )
