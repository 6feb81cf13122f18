// Packs every package that is published, as it would be published, and checks the result with publint and attw.
// The packages have to be built.
import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const target = mkdtempSync(join(tmpdir(), "weft-pack-"))

function run(command, args, cwd) {
  const { error, status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" })
  if (error) throw error
  return { ok: status === 0, output: `${stdout}${stderr}` }
}

let failed = false
try {
  for (const folder of readdirSync(join(root, "packages"))) {
    const cwd = join(root, "packages", folder)
    if (!existsSync(join(cwd, "package.json"))) continue
    const manifest = JSON.parse(readFileSync(join(cwd, "package.json"), "utf8"))
    if (manifest.private) continue

    const tarball = join(target, `${folder}.tgz`)
    const steps = [
      ["pnpm", ["pack", "--out", tarball]],
      ["publint", ["run", tarball, "--strict"]],
      ["attw", [tarball, "--profile", "esm-only", "--no-emoji", "--format", "ascii"]]
    ]
    const problem = steps.map(([command, args]) => run(command, args, cwd)).find(({ ok }) => !ok)
    if (problem) {
      failed = true
      console.error(`${manifest.name} has problems:\n${problem.output}`)
    } else {
      console.log(`${manifest.name} ok`)
    }
  }
} finally {
  rmSync(target, { recursive: true, force: true })
}
process.exit(failed ? 1 : 0)
