/** Versions of the packages that a new project installs beside Fanmill: those with which it is tested. */
export const projectVersions = {
  '@types/node': '24.19.2',
  'aws-cdk': '2.1148.1',
  'aws-cdk-lib': '2.276.0',
  constructs: '10.8.1',
  typescript: '7.0.2',
  vitest: '5.1.1',
} as const

/** Runs TypeScript files as they are. */
export const nodeForTypeScript = '22.18.0'
