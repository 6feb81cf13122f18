/** A certificate that a server on this machine signs for itself. */
import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"

/** Paths of PEM files. Clients that trust `certificate` accept the server under 127.0.0.1 and localhost. */
export interface Certificate {
  readonly certificate: string
  readonly key: string
}

/** Makes one that is valid for a day. */
export const makeCertificate = async (folder: string): Promise<Certificate> => {
  const certificate = join(folder, "server.crt")
  const key = join(folder, "server.key")
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key]
  await promisify(execFile)("openssl", [
    "req",
    "-x509",
    "-days",
    "1",
    ...newKey,
    ...subject,
    "-out",
    certificate
  ])
  return { certificate, key }
}
