"""Reads an input of the benchmark with Python's csv module alone and prints its rows as JSON, one a line.

    python3 bench/reference.py many.zip|big.csv|orders.csv.gz
"""
import csv, gzip, io, json, sys, zipfile

COLUMNS = ["order_id", "ordered_at", "customer_id", "product", "quantity", "unit_price", "country", "gift", "note"]


def texts(path):
    if path.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield io.TextIOWrapper(archive.open(name), "utf-8", newline="")
    elif path.endswith(".gz"):
        yield gzip.open(path, "rt", encoding="utf-8", newline="")
    else:
        yield open(path, encoding="utf-8", newline="")


def main():
    dumps = json.dumps
    for text in texts(sys.argv[1]):
        rows = csv.reader(text)
        assert next(rows) == COLUMNS
        sys.stdout.writelines(
            f'{{"order_id":{int(r[0])},"ordered_at":"{r[1]}","customer_id":{int(r[2])},"product":{dumps(r[3])},"quantity":{int(r[4])},'
            f'"unit_price":{r[5]},"country":{dumps(r[6])},"gift":{r[7]},"note":{dumps(r[8])}}}\n'
            for r in rows
        )


main()
