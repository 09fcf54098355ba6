"""What a data engineer would write by hand for the benchmark's two inputs, with Python's tools.

    python peers.py TOOL INPUT OUT TMP      TOOL is one of the functions of TOOLS; INPUT is many.zip or big.csv

Each writes snappy Parquet and an empty _SUCCESS into OUT, in one process with two threads or two worker processes.
"""
import os, subprocess, sys, zipfile
from pathlib import Path

COLS = ["order_id", "ordered_at", "customer_id", "product", "quantity", "unit_price", "country", "gift", "note"]
KINDS = ["int64", "timestamp", "int64", "string", "int64", "double", "string", "bool", "string"]
CHUNK = 100  # members a task: 61 tasks, 61 Parquet files
TSFMT = "%Y-%m-%d %H:%M:%S"


def arrow_schema():
    import pyarrow as pa
    m = {"int64": pa.int64(), "timestamp": pa.timestamp("us"), "string": pa.string(), "double": pa.float64(), "bool": pa.bool_()}
    return pa.schema([(c, m[k]) for c, k in zip(COLS, KINDS)])


def members(path):
    with zipfile.ZipFile(path) as z:
        return [i.filename for i in z.infolist() if i.filename.endswith(".csv")]


def chunks(names, n=CHUNK):
    return [(k, names[i:i + n]) for k, i in enumerate(range(0, len(names), n))]


_zip = None


def open_zip(path):
    """Initialises a pool's process: the directory of 6,087 entries is parsed once."""
    global _zip
    _zip = zipfile.ZipFile(path)


def pd_read(src):
    import pandas as pd
    kinds = {"int64": "int64", "string": "str", "double": "float64", "bool": "bool"}
    dtype = {c: kinds[k] for c, k in zip(COLS, KINDS) if k in kinds}
    # keep_default_na: or the country NA becomes null
    return pd.read_csv(src, dtype=dtype, parse_dates=["ordered_at"], date_format=TSFMT, keep_default_na=False)


def pandas_chunk(job):
    import io, pyarrow as pa, pyarrow.parquet as pq
    out, k, names = job
    s = arrow_schema()
    tables = [pa.Table.from_pandas(pd_read(io.BytesIO(_zip.read(n))), schema=s, preserve_index=False, nthreads=1) for n in names]
    pq.write_table(pa.concat_tables(tables), f"{out}/part-{k:05d}.parquet", compression="snappy")


def pandas_pool(src, out, tmp):
    import multiprocessing as mp
    with mp.Pool(2, initializer=open_zip, initargs=(src,)) as pool:
        for _ in pool.imap_unordered(pandas_chunk, [(out, k, n) for k, n in chunks(members(src))]): pass
        pool.close(); pool.join()


def pa_opts(threads):
    import pyarrow.csv as pc
    types = {f.name: f.type for f in arrow_schema()}
    return dict(read_options=pc.ReadOptions(use_threads=threads),
                convert_options=pc.ConvertOptions(column_types=types, timestamp_parsers=[TSFMT], strings_can_be_null=False))


def pyarrow_threads(src, out, tmp):
    import pyarrow as pa, threading
    from concurrent.futures import ThreadPoolExecutor
    pa.set_cpu_count(2)
    local = threading.local()

    def one(job):
        if not hasattr(local, "zip"): local.zip = zipfile.ZipFile(src)  # a handle a thread: a shared one locks
        import pyarrow.csv as pc, pyarrow.parquet as pq
        k, names = job
        o = pa_opts(False)
        t = pa.concat_tables([pc.read_csv(pa.BufferReader(local.zip.read(n)), **o) for n in names]).combine_chunks()
        pq.write_table(t, f"{out}/part-{k:05d}.parquet", compression="snappy")

    with ThreadPoolExecutor(2) as pool:
        for _ in pool.map(one, chunks(members(src))): pass


def polars_chunk(job):
    import polars as pl
    out, k, names = job
    m = {"int64": pl.Int64, "timestamp": pl.Datetime("us"), "string": pl.String, "double": pl.Float64, "bool": pl.Boolean}
    schema = {c: m[kind] for c, kind in zip(COLS, KINDS)}
    pl.read_csv([_zip.read(n) for n in names], schema=schema).write_parquet(f"{out}/part-{k:05d}.parquet", compression="snappy")


def polars_pool(src, out, tmp):
    import multiprocessing as mp
    os.environ["POLARS_MAX_THREADS"] = "1"
    # spawn: polars may hang after fork
    with mp.get_context("spawn").Pool(2, initializer=open_zip, initargs=(src,)) as pool:
        for _ in pool.imap_unordered(polars_chunk, [(out, k, n) for k, n in chunks(members(src))]): pass
        pool.close(); pool.join()


def duckdb_copy(src, out, tmp):
    import duckdb
    con = duckdb.connect()
    con.execute("SET threads=2")
    m = {"int64": "BIGINT", "timestamp": "TIMESTAMP", "string": "VARCHAR", "double": "DOUBLE", "bool": "BOOLEAN"}
    cols = "{" + ", ".join(f"'{c}': '{m[k]}'" for c, k in zip(COLS, KINDS)) + "}"
    con.execute(f"""COPY (SELECT * FROM read_csv('{src}', header=true, delim=',', quote='"', escape='"', auto_detect=false, columns={cols}))
                    TO '{out}/all.parquet' (FORMAT parquet, COMPRESSION snappy)""")


def duckdb_unzip(src, out, tmp):
    subprocess.run(["unzip", "-q", src, "-d", tmp], check=True)
    duckdb_copy(tmp + "/export/*/*.csv", out, tmp)


def pyarrow_whole(src, out, tmp):
    import pyarrow as pa, pyarrow.csv as pc, pyarrow.parquet as pq
    pa.set_cpu_count(2)
    pq.write_table(pc.read_csv(src, **pa_opts(True)), out + "/all.parquet", compression="snappy")


def pyarrow_folder(src, out, tmp):
    import pyarrow as pa, pyarrow.dataset as ds, pyarrow.csv as pc, pyarrow.parquet as pq
    pa.set_cpu_count(2)
    o = pa_opts(False)
    form = ds.CsvFileFormat(convert_options=o["convert_options"])
    pq.write_table(ds.dataset(src, format=form, schema=arrow_schema()).to_table(), out + "/all.parquet", compression="snappy")


def pyarrow_parquets(src, out, tmp):
    import pyarrow as pa, pyarrow.dataset as ds, pyarrow.parquet as pq
    pa.set_cpu_count(2)
    pq.write_table(ds.dataset(src, format="parquet").to_table(), out + "/all.parquet", compression="snappy")


# The sums of 20 million sales: src is a folder of Parquet files.

def polars_sums(key):
    def run(src, out, tmp):
        os.environ["POLARS_MAX_THREADS"] = "2"
        import polars as pl
        sums = [pl.len().alias("sales"), pl.col("amount").sum(), pl.col("sold_at").max().alias("last")]
        sums += [pl.col("discount").mean()] if key == "shop" else []
        pl.scan_parquet(f"{src}/*.parquet").group_by(key).agg(sums).sink_parquet(f"{out}/all.parquet", compression="snappy")
    return run


def dask_sums(key):
    def run(src, out, tmp):
        import dask, dask.dataframe as dd
        dask.config.set(scheduler="processes", num_workers=2)
        names = [key, "amount", "sold_at"] + (["discount"] if key == "shop" else [])
        rows = dd.read_parquet(f"{src}/*.parquet", columns=names)
        # Decimals are objects in pandas, which are ten times as slow.
        rows["amount"] = rows["amount"].astype("float64")
        sums = {"amount": ["count", "sum"], "sold_at": ["max"], **({"discount": ["mean"]} if key == "shop" else {})}
        frame = rows.groupby(key).agg(sums, split_out=1 if key == "shop" else 16)
        frame.columns = ["sales", "amount", "last"] + (["discount"] if key == "shop" else [])
        frame.reset_index().to_parquet(out, compression="snappy", write_index=False)
    return run


def spark_session():
    from pyspark.sql import SparkSession
    settings = {"spark.ui.enabled": "false", "spark.driver.memory": "2g", "spark.sql.shuffle.partitions": "16"}
    spark = SparkSession.builder.master("local[2]").config(map=settings).getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def spark_sums(key):
    def run(src, out, tmp):
        from pyspark.sql import functions as f
        spark = spark_session()
        sums = [f.count("*").alias("sales"), f.sum("amount").alias("amount"), f.max("sold_at").alias("last")]
        sums += [f.avg("discount").alias("discount")] if key == "shop" else []
        spark.read.parquet(src).groupBy(key).agg(*sums).write.mode("overwrite").parquet(f"{out}/spark", compression="snappy")
        spark.stop()
    return run


# Joins: src has the folders orders and payments, of Parquet files.

JOINED = ["id", "customer", "amount", "product", "paid_at", "method", "total"]


def polars_join(src, out, tmp):
    os.environ["POLARS_MAX_THREADS"] = "2"
    import polars as pl
    orders, payments = (pl.scan_parquet(f"{src}/{name}/*.parquet") for name in ("orders", "payments"))
    rows = orders.join(payments, left_on="id", right_on="order_id").select(JOINED)
    rows.sink_parquet(f"{out}/all.parquet", compression="snappy")


def dask_join(src, out, tmp):
    import dask, dask.dataframe as dd
    Path(tmp).mkdir(parents=True, exist_ok=True)
    # Processes would send each other the rows through one process in between.
    dask.config.set(scheduler="threads", num_workers=2, temporary_directory=tmp)
    orders, payments = (dd.read_parquet(f"{src}/{name}/*.parquet") for name in ("orders", "payments"))
    rows = orders.merge(payments, left_on="id", right_on="order_id")[JOINED]
    rows.to_parquet(out, compression="snappy", write_index=False)


def spark_join(src, out, tmp):
    spark = spark_session()
    orders, payments = (spark.read.parquet(f"{src}/{name}") for name in ("orders", "payments"))
    rows = orders.join(payments, orders.id == payments.order_id).select(*JOINED)
    rows.write.mode("overwrite").parquet(f"{out}/spark", compression="snappy")
    spark.stop()


SUMS = {f"{tool}_{task}": make(key) for tool, make in [("polars", polars_sums), ("dask", dask_sums), ("spark", spark_sums)]
        for task, key in [("shops", "shop"), ("customers", "customer")]}
TOOLS = [polars_join, dask_join, spark_join, pyarrow_folder, pyarrow_parquets, pyarrow_threads, pandas_pool, polars_pool, duckdb_unzip, duckdb_copy, pyarrow_whole]

if __name__ == "__main__":
    tool, src, out, tmp = sys.argv[1:5]
    {**{t.__name__: t for t in TOOLS}, **SUMS}[tool](src, out, tmp)
    Path(out, "_SUCCESS").touch()
