"""Writes test/fixtures/avro: values.json, and values-{codec}.avro with them, by fastavro and cramjam (python 3, pip install fastavro cramjam backports.zstd)."""

import datetime, decimal, json, os, uuid
import fastavro

utc = datetime.timezone.utc
schema = {
    "type": "record", "name": "Order", "namespace": "shop",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "small", "type": "int"},
        {"name": "isNew", "type": "boolean"},
        {"name": "ratio", "type": "float"},
        {"name": "share", "type": "double"},
        {"name": "name", "type": ["null", "string"], "default": None},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 4}},
        {"name": "tax", "type": {"type": "fixed", "name": "Tax", "size": 5, "logicalType": "decimal", "precision": 9, "scale": 2}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "seen", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}]},
        {"name": "local", "type": {"type": "long", "logicalType": "local-timestamp-micros"}},
        {"name": "clock", "type": {"type": "long", "logicalType": "time-micros"}},
        {"name": "key", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["NEW", "OLD"]}},
        {"name": "raw", "type": "bytes"},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "counts", "type": {"type": "map", "values": "long"}},
        {"name": "customer", "type": {"type": "record", "name": "Customer", "fields": [
            {"name": "city", "type": "string"},
            {"name": "kind", "type": ["null", "shop.Kind"]},
            {"name": "limit", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 1}},
        ]}},
        {"name": "either", "type": ["null", "long", "string"]},
    ],
}
names = ["Zürich", None, "", 'a "quoted", text', "two\nlines", "\x01", "NA", "😀"]
rows = [
    {
        "id": [0, -1, 2**63 - 1, -(2**63), 2**53 + 1, 2**56][i % 6],
        "small": (-1) ** i * i * 1000,
        "isNew": i % 2 == 0,
        "ratio": [0.1, -2.5, float("nan"), 3.4e38][i % 4],
        "share": [0.1, 1e300, float("-inf"), -0.0][i % 4],
        "name": names[i % 8],
        "price": decimal.Decimal(["0.0000", "-1.5000", "9999999999999999.9999", "0.0001"][i % 4]),
        "tax": decimal.Decimal(["0.00", "-12.34", "9999999.99"][i % 3]),
        "day": datetime.date(1969 + 20 * i, 1 + i % 12, 28),
        "at": datetime.datetime(1960 + 10 * i, 2, 3, 4, 5, 6, 7 * i, tzinfo=utc),
        "seen": None if i % 3 == 0 else datetime.datetime(2024, 1, 31, 23, 59, i, 1000 * i, tzinfo=utc),
        "local": datetime.datetime(2024, 1, 31, 23, 59, i),
        "clock": datetime.time(23, i, 59, i),
        "key": str(uuid.UUID(int=i * 2**100 + i)),
        "kind": ["NEW", "OLD"][i % 2],
        "raw": bytes(range(i)),
        "tags": [f"t{n}" for n in range(i % 4)],
        "counts": {"a": 2**60 + i, "b c": -i},
        "customer": {"city": f"city {i}", "kind": None if i % 2 else "NEW", "limit": decimal.Decimal(i) / 10},
        "either": [None, 2**60, "text"][i % 3],
    }
    for i in range(24)
]
folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../fixtures/avro")
os.makedirs(folder, exist_ok=True)
for codec in ["null", "deflate", "snappy", "zstandard", "bzip2", "xz"]:
    with open(f"{folder}/values-{codec}.avro", "wb") as out:
        fastavro.writer(out, schema, rows, codec=codec, sync_interval=1000)


def plain(value):
    if isinstance(value, bytes):
        import base64
        return base64.b64encode(value).decode()
    return str(value)


with open(f"{folder}/values.json", "w") as out:
    json.dump(rows, out, default=plain, indent=1, ensure_ascii=False)
