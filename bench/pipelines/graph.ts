/** A graph of a hundred tiny tasks in ten layers, and a task that 300 nodes are made of. */
import { column, csv, files, param, parquet, partitionsOf, pipeline, type TaskDefinition, task } from 'fanmill'

const layerTasks = 10
const tiny = { source: files({ paths: 'graph/tiny.csv', format: csv() }), columns: { x: column.int32() } }

/** Each task reads the one above it, and requires the next one too. */
function layers(count: number): TaskDefinition[] {
  const tasks: TaskDefinition[] = []
  const at = (layer: number, place: number) => tasks[layer * layerTasks + (place % layerTasks)] as TaskDefinition
  for (let layer = 0; layer < count; layer++)
    for (let place = 0; place < layerTasks; place++) {
      const own = { name: `t${layer}-${place}`, output: parquet({ path: '{task}' }) }
      const above = layer - 1
      const reads = () => ({ source: partitionsOf(at(above, place)), requires: at(above, place + 1) })
      tasks.push(layer === 0 ? task({ ...own, ...tiny }) : task({ ...own, ...reads() }))
    }
  return tasks
}

/** Requires the last layer. */
const tasks = layers(10)
const all = task({ ...tiny, name: 'all', requires: tasks.slice(-layerTasks), output: parquet({ path: '{task}' }) })

const daily = task({ ...tiny, name: 'daily', params: { day: param.date() }, output: parquet({ path: '{task}/{day}' }) })

export default pipeline({ name: 'graph', tasks: [...tasks, all, daily] })
