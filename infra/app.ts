/** `npx cdk deploy`: the flights example, as it is. */
import { App, Stack, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'
import { FanmillPipeline } from './index.ts'

const app = new App()
Validations.of(app).addPlugins(new AwsSolutionsChecks(app))

/** `-c name=value`: an emulator has no dashboards, and the architecture of its host. */
const context = (name: string): string | undefined => app.node.tryGetContext(name) as string | undefined

const stack = new Stack(app, 'FanmillFlights', { description: 'Fanmill: flights, from zips of CSV to Parquet' })
new FanmillPipeline(stack, 'Flights', {
  entry: 'examples/flights/pipeline.ts',
  architecture: context('architecture') === 'x86_64' ? 'x86_64' : 'arm64',
  dashboard: context('dashboard') !== 'false',
})
