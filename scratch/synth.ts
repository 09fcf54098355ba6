import { App, Stack } from 'aws-cdk-lib'
import { FanmillPipeline } from '../infra/index.ts'
const t0 = performance.now()
const app = new App({ outdir: '/tmp/awsinfra/out-' + process.argv[3] })
const stack = new Stack(app, 'Hundred')
new FanmillPipeline(stack, 'S', { entry: process.argv[2]!, architecture: 'x86_64', ...(process.argv[4] ? { glueDatabase: 'lake' } : {}) })
const t1 = performance.now()
app.synth()
console.log(process.argv[2], 'construct', Math.round(t1 - t0), 'ms, synth', Math.round(performance.now() - t1), 'ms')
