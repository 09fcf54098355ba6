/** Derives the names of a new project from that of its data. */

export interface ProjectNames {
  /** The name of task, pipeline, folder and package: `flights-2001`. */
  readonly name: string
  /** The name of the task in TypeScript: `flights2001`. */
  readonly variable: string
  /** The name of the stack: `Flights2001`. */
  readonly stack: string
}

/** Words that TypeScript keeps for itself, or that the pipeline imports. */
const taken =
  /^(?:await|break|case|catch|class|column|const|continue|csv|debugger|default|delete|do|else|enum|export|extends|false|files|finally|for|function|if|implements|import|in|instanceof|interface|jsonLines|let|lines|new|null|package|parquet|parquetFiles|pipeline|private|protected|public|return|static|super|switch|task|this|throw|true|try|typeof|var|void|while|with|yield|zipMembers)$/

/** Returns the names for a file: `Flights 2001.csv.gz` gives `flights-2001`. */
export function projectNames(file: string): ProjectNames {
  const words = (
    plainText(file)
      .replace(/(?<=.)\..*$/, '')
      .match(/[A-Za-z0-9]+/g) ?? []
  ).map(word => word.toLowerCase())
  const all = /^[a-z]/.test(words[0] ?? '') ? words : ['data', ...words]
  const stack = all.map(word => (word[0] ?? '').toUpperCase() + word.slice(1)).join('')
  const variable = (stack[0] ?? '').toLowerCase() + stack.slice(1)
  return { name: all.join('-'), variable: taken.test(variable) ? `${variable}Task` : variable, stack }
}

/** Returns a text without accents. */
const plainText = (text: string): string => text.normalize('NFD').replaceAll(/\p{M}/gu, '')
