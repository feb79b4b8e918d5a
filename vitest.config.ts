import { defineConfig } from 'vitest/config'

/** One configuration for every package: `vitest run --config ../../vitest.config.ts` from the package's folder. */
export default defineConfig({
  // `import` does not belong here: Node would take it for require() too, and hand ES modules to CommonJS packages.
  ssr: { resolve: { conditions: ['@talon/source', 'node'] } },
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    reporters: ['default', 'json'],
    outputFile: { json: '.report/test.json' },
    // The persistent transform cache (on by default in vitest 5) misses changes of tsconfig.
    fsModuleCache: false,
    passWithNoTests: true,
    // Far more than any takes: a busy machine is no failure.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
