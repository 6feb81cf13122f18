/**
 * Who asks: what a request is signed for is looked at; that the signature is right is not verified.
 */
import type { IncomingHttpHeaders } from "node:http"
import { type ApiError, refused } from "../ApiError.ts"
import type { Settings } from "../Options.ts"

/** What is wrong with the credentials of a request, if anything. */
export const problem = (
  { authorization }: IncomingHttpHeaders,
  { accessKeyId, region }: Settings
): ApiError | undefined => {
  if (authorization === undefined || authorization === "") {
    return refused("MissingAuthenticationTokenException", "Missing Authentication Token")
  }
  const scope = /^AWS4-HMAC-SHA256\s+Credential=([^/\s,]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request,/.exec(
    authorization
  )
  if (scope === null) {
    return refused(
      "InvalidSignatureException",
      "Authorization must be a signature of version 4 (AWS4-HMAC-SHA256)"
    )
  }
  const [, key, , signedFor, service] = scope
  if (service !== "lambda") {
    return refused("InvalidSignatureException", "Credential should be scoped to correct service: 'lambda'.")
  }
  if (signedFor !== region) {
    return refused(
      "InvalidSignatureException",
      `Credential should be scoped to a valid region: this service is in ${region}, the request is signed for ${signedFor}.`
    )
  }
  if (accessKeyId !== undefined && key !== accessKeyId) {
    return refused("UnrecognizedClientException", "The security token included in the request is invalid.")
  }
  return
}
