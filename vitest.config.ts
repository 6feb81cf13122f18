import { defineConfig } from "vitest/config"

const conditions = ["@weft/source"]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["packages/*/test/**/*.test.ts", "examples/*/test/**/*.test.ts", "test/**/*.test.ts"],
    pool: "forks",
    execArgv: ["--conditions=@weft/source"],
    testTimeout: 20_000
  }
})
