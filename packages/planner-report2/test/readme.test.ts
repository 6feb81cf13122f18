// The examples of README.md, type-checked and run.
import { dirname } from "node:path"
import { describe } from "vitest"
import { testPrograms } from "../../../test/readme.ts"

describe("README.md", () => testPrograms(dirname(import.meta.dirname)))
