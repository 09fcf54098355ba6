/** The site of the documentation. */
import { defineConfig } from 'vitepress'

const group = (text: string, pages: Readonly<Record<string, string>>) => ({
  text,
  items: Object.entries(pages).map(([link, title]) => ({ text: title, link: `/${link}` })),
})

export default defineConfig({
  title: 'Fanmill',
  description: 'Serverless ETL in TypeScript: zips, files and partitions become Parquet that readers can trust',
  srcDir: 'pages',
  outDir: 'dist',
  cleanUrls: true,
  themeConfig: {
    search: { provider: 'local' },
    sidebar: [
      group('Begin', { tutorial: 'Tutorial', infer: 'Infer columns', preview: 'Look at rows', 'coming-from': 'Coming from another tool' }),
      group('Guides', {
        drift: 'Files that drift',
        rejects: 'Bad rows',
        months: 'A month at a time',
        joins: 'Joins',
        'by-key': 'Rows of one key',
        backfill: 'Backfill',
        costs: 'Costs',
        operate: 'Operate a pipeline',
        deploy: 'Deploy',
        sinks: 'Rows into a database',
        parallel: 'Functions in parallel',
      }),
      group('Inputs and outputs', {
        inputs: 'Inputs',
        columns: 'Columns',
        text: 'Text',
        encodings: 'Encodings',
        parquet: 'Parquet files',
        partitions: 'Rows of another task',
        tasks: 'Tasks that require others',
        datasets: 'Datasets',
        'parquet-outputs': 'Parquet outputs',
        delta: 'Delta tables',
      }),
      group('Reference', {
        'reference/api/README': 'Functions and options',
        api: 'From code',
        'reference/commands': 'Command line',
        errors: 'Errors',
      }),
      group('How it works', { 'how-it-works': 'How it works', guarantees: 'Guarantees' }),
    ],
  },
})
