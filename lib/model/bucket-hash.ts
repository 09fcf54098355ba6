/** The hash by which keys go to buckets, as test vectors: the batches of one run must agree on it. */
import { createHash } from 'node:crypto'

/** Values of each type of key as SQL, with the hash of their hash in the engine of this version. */
export const hashVectors: readonly (readonly [value: string, hash: string])[] = [
  ['true', '2072007709074090988'],
  ['CAST(-1 AS TINYINT)', '3597144163414412546'],
  ['CAST(-1 AS SMALLINT)', '3597144163414412546'],
  ['CAST(-1 AS INTEGER)', '3597144163414412546'],
  ['CAST(-1 AS BIGINT)', '12295136561472696349'],
  ['CAST(200 AS UTINYINT)', '13605826047424843910'],
  ['CAST(60000 AS USMALLINT)', '2474173400252375362'],
  ['CAST(4000000000 AS UINTEGER)', '17403045572553735874'],
  ['CAST(18000000000000000000 AS UBIGINT)', '6416796231282738643'],
  ['CAST(1.5 AS FLOAT)', '5091651469257409184'],
  ['CAST(1.5 AS DOUBLE)', '17893111857382162126'],
  ["CAST('-0.0' AS DOUBLE)", '0'],
  ["CAST('NaN' AS DOUBLE)", '12031356638522241318'],
  ['CAST(1.1 AS DECIMAL(4, 1))', '6038705519960895839'],
  ['CAST(1.1 AS DECIMAL(38, 10))', '9082551657930975170'],
  ["'fanmill'", '4507593860672629705'],
  ["'a text of more than twelve bytes'", '8737299069356578288'],
  ["DATE '2024-02-29'", '12070454089125285193'],
  ["TIME '12:34:56.789'", '5729098579099656585'],
  ["TIMESTAMP '2024-02-29 12:34:56'", '30753742089360258'],
  ["TIMESTAMPTZ '2024-02-29 12:34:56+00'", '30753742089360258'],
  ["CAST('\\x00\\xFF' AS BLOB)", '12022785683092168086'],
  ['CAST(NULL AS INTEGER)', '13164791657030461990'],
  ['[1, NULL, 3]', '7653980172857676835'],
  ["'a', 1", '6483110213700048642'],
]

/** Names the hash in plans, so that a run that another one began is refused. */
export const hashName = createHash('sha256').update(JSON.stringify(hashVectors)).digest('hex').slice(0, 8)
