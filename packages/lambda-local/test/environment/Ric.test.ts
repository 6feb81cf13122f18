/** How AWS's client is installed; that it works is tested by the handler's tests. */
import { existsSync } from "node:fs"
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { afterEach, beforeEach, expect, it, vi } from "vitest"
import { installRic } from "../../src/environment/Ric.ts"

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "weft-ric-"))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true, force: true })
})

/** Puts an `npm` and all tools on the PATH, so that nothing is built. */
const fakeTools = async (npm: string) => {
  const programs = join(folder, "programs")
  await mkdir(programs)
  for (const name of ["cmake", "make", "g++", "tar", "xz", "python3"]) {
    await writeFile(join(programs, name), "#!/bin/sh\n", { mode: 0o755 })
  }
  await writeFile(join(programs, "npm"), `#!/bin/sh\n${npm}\n`, { mode: 0o755 })
  vi.stubEnv("PATH", `${programs}:${process.env.PATH}`)
}

it.skipIf(process.platform !== "linux")("says which tools are missing", async () => {
  vi.stubEnv("PATH", folder)
  const error = await Effect.runPromise(Effect.flip(installRic(join(folder, "ric"))))
  expect(error.message).toMatch(
    /^aws-lambda-ric 4\.0\.2 cannot be installed: it is built from source and needs npm, cmake, make, g\+\+, tar, xz, python3, not found on the PATH/
  )
  expect(await readdir(folder)).toEqual([])
})

it.skipIf(process.platform !== "linux")("says what npm said, and leaves nothing behind", async () => {
  await fakeTools("echo compiler is on fire >&2; exit 1")
  const error = await Effect.runPromise(Effect.flip(installRic(join(folder, "ric"))))
  expect(error.message).toContain("npm failed:\ncompiler is on fire")
  expect(await readdir(folder)).toEqual(["programs"])
})

it.skipIf(process.platform !== "linux")(
  "is installed once by all who want it, also after one that died",
  async () => {
    await fakeTools(`echo x >>"${folder}/runs"; sleep 0.1`)
    // Of a process that cannot exist.
    await writeFile(join(folder, "ric.lock"), "4194305")
    const made = await Promise.all([1, 2, 3].map(() => Effect.runPromise(installRic(join(folder, "ric")))))
    expect(made).toEqual(Array(3).fill(join(folder, "ric")))
    expect(existsSync(join(folder, "ric/package.json"))).toBe(true)
    expect((await readdir(folder)).sort()).toEqual(["programs", "ric", "runs"])
    expect(await readFile(join(folder, "runs"), "utf8")).toBe("x\n")
  }
)
