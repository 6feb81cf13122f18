// The examples of README.md, type-checked and run.
import { dirname, join } from "node:path"
import { describe } from "vitest"
import { testPrograms } from "../../../test/readme.ts"

const home = dirname(import.meta.dirname)

describe("README.md", () => {
  // There the examples can import weft, too, which this package must not depend on.
  testPrograms(home, { folder: join(home, "../../examples/streaming") })
})
