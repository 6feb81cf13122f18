import { availableParallelism } from "node:os"
import { defineConfig } from "vitest/config"

// Packages of the workspace are loaded from their src folders: nothing has to be built before a test.
const source = "@weft/source"

export default defineConfig({
  resolve: { conditions: [source] },
  ssr: { resolve: { conditions: [source] } },
  test: {
    include: ["{packages,examples,benchmarks}/*/test/**/*.test.ts", "test/**/*.test.ts"],
    setupFiles: ["test/setup.ts"],
    pool: "forks",
    // Most tests wait most of the time: for leases, servers, processes. Three of them suit the smallest machine.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    // For what Node.js itself resolves: threads and processes that a test starts.
    execArgv: [`--conditions=${source}`],
    testTimeout: 20_000,
    reporters: process.env.CI ? ["default", ["json", { outputFile: ".reports/tests.json" }]] : ["default"]
  }
})
