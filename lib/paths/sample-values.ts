/** Sample values of parameters, for checks before a run. */
import type { ParamDefinition, ParamValue } from '../define/definition.ts'

/** Returns some value of the parameter's type. */
export function sampleOf({ type, values = [] }: ParamDefinition): ParamValue {
  const samples: Readonly<Record<ParamDefinition['type'], ParamValue>> = {
    ...{ string: 'x', integer: 1, float64: 1, boolean: true, enumeration: values[0] ?? 'x' },
    ...{ date: '2000-01-01', month: '2000-01', timestamp: '2000-01-01T00:00:00Z' },
  }
  return samples[type]
}
