import { describe, expect, it } from 'vitest'
import { checkSql, statement } from './checking.ts'

const checkBucket = (text: string): Promise<void> => checkSql(statement(text, 'bucket'), ['t'], ['b'])

describe('SQL over the rows of a key', () => {
  it.each([
    'select b, sum(a) as s, a_list: list(a order by a) from input group by b',
    'select b, list(distinct a order by a desc) as l, string_agg(b order by a) as s from input group by b having sum(a) > 1',
    'select b, sum(a) in (select n from t) as s, (select max(n) from t) as m from input group by b',
    'select *, row_number() over (partition by b order by a) as r from input',
    'select distinct b from input order by b',
    'select distinct on (b) * from input order by b, a',
    "select b, count(*) filter (where b = 'x' collate nocase) as n from input where b < 'c' collate nocase group by b",
    'select b, count(distinct b collate nocase) as n from input group by b order by b collate nocase',
    'select b, count(b collate nocase) over (partition by b) as n, sum(a) over (partition by b) as s from input',
    'select b, max(b collate nocase) over (partition by b order by b, a) as m from input',
    'select b, count(c) over (partition by b) as n from (select b, b collate nocase as c from input)',
    'select b, (select max(n::varchar collate nocase) from t where n > 3) as m from input group by b',
    'select i.b, count(*) as n from input i group by i.b',
    'select input.b, input.a from input join t using (b)',
    'select b, max_by(a, b order by a) as m, mode(a order by a) as o, geomean(a) as g from input group by b',
  ])('accepts %s', async text => {
    await checkBucket(text)
  })

  it.each([
    ['select count(*) as n from input', 'the aggregate count_star without GROUP BY b'],
    ['select a, count(*) as n from input group by a', 'GROUP BY without b'],
    ['select 1 as one from input group by ()', 'GROUP BY without b'],
    ['select 1 as one from input having true', 'HAVING without GROUP BY b'],
    ['select *, row_number() over (order by a) as r from input', 'the window of row_number without PARTITION BY b'],
    ['select *, row_number() over (partition by b) as r from input', 'the window of row_number without ORDER BY'],
    [
      'select *, (row_number() over ()) in (select n from t) as r from input',
      'the window of row_number without PARTITION BY b',
    ],
    ['select *, (select sum(a)) as s from input', 'an aggregate of input in a subquery'],
    ['select sum(a) > any (select n from t) as s from input', 'the aggregate sum without GROUP BY b'],
    ['select b, list(a) as l from input group by b', 'the aggregate list without ORDER BY'],
    [
      'select b, list_max(list(a order by a)) as m, first(a) as f from input group by b',
      'the aggregate first without ORDER BY',
    ],
    ['select b, max_by(a, b) as m from input group by b', 'the aggregate max_by without ORDER BY'],
    ['select b, arg_min(a, b) as m from input group by b', 'the aggregate arg_min without ORDER BY'],
    ['select b, mode(a) as m from input group by b', 'the aggregate mode without ORDER BY'],
    ['select b, json_group_array(a) as l from input group by b', 'the aggregate json_group_array without ORDER BY'],
    ['select geomean(a) as g from input', 'the aggregate geomean without GROUP BY b'],
    ['select b, max(b collate nocase) as m from input group by b', 'COLLATE in the aggregate max'],
    ['select b, min(b collate nocase) over (partition by b) as m from input', 'COLLATE in the aggregate min'],
    ['select b from input qualify max(b collate nocase) over (partition by b) = b', 'COLLATE in the aggregate max'],
    [
      'select b, max(c) over (partition by b) as m from (select b, b collate nocase as c from input)',
      'COLLATE in a subquery below an aggregate over a window without ORDER BY',
    ],
    [
      'select b, b collate nocase as c from input group by b, c',
      'COLLATE in what is grouped (group by lower(x) instead)',
    ],
    [
      'select b, c from (select b, b collate nocase as c from input) group by b, c',
      'COLLATE in what is grouped (group by lower(x) instead)',
    ],
    ['select distinct b, b collate nocase as c from input', 'COLLATE in what is grouped (group by lower(x) instead)'],
    [
      'select b, (select max(n::varchar collate nocase) from t where n > a) as m from input',
      'COLLATE in the aggregate max',
    ],
    ['select b, (select max(i.b collate nocase) from t) as m from input i group by b', 'COLLATE in the aggregate max'],
    [
      'select a, (select max(n::varchar collate nocase) from t) as m from input join t on a = n',
      'COLLATE in the aggregate max',
    ],
    ['select s.b, count(*) as n from (select b, { b: a } as s from input) group by s.b', 'GROUP BY without b'],
    ['select t.b, count(*) as n from input join t on a = n group by t.b', 'GROUP BY without b'],
    ['select distinct t.b from input join t on a = n', 'DISTINCT without b'],
    ['select distinct t.* from input join t on a = n', 'DISTINCT without b'],
    ['select distinct on (b) * from input', 'DISTINCT ON without ORDER BY'],
    ['select * from input limit 3', 'LIMIT'],
    ['select distinct a from input', 'DISTINCT without b'],
    ['select b, n from (select lower(b) as b, 1 as n from input)', 'a subquery that does not return b as they are'],
  ])('refuses %s', async (text, what) => {
    const message = expect.stringContaining(`transform step 1: ${what} would make the rows depend on `)
    await expect(checkBucket(text)).rejects.toMatchObject({ code: 'SQL_NOT_ROWWISE', message })
  })
})
