import { ok } from "node:assert"
import { mkdir, writeFile } from "node:fs/promises"
import { join, relative } from "node:path"
import { run } from "weft"
import { printWhole } from "./direct.ts"
import imageTransform from "./workflow.ts"

const print = await run(imageTransform)

const out = join(import.meta.dirname, "../out")
const file = join(out, "nagasaki.png")
await mkdir(out, { recursive: true })
await writeFile(file, print)
console.log(
  `The harbour of Nagasaki, printed from 16 tiles: ${relative(process.env.INIT_CWD ?? process.cwd(), file)}`
)

ok(print.equals(await printWhole()), "the print differs from that of the whole photograph")
console.log("It equals the print of the whole photograph, pixel by pixel.")
