/** What was seen of an agent's certificate, and what the map says of it. */
export interface SeenCertificate {
  /** The host that was asked for, as the map has it. */
  host: string;
  /** Whether OpenSSL and the names in it find it good. */
  authorized: boolean;
  /** Why not: OpenSSL's name for it, or Node's. */
  reason: string;
  /** `sha256:` and 64 digits; undefined where none was shown. */
  fingerprint: string | undefined;
  validFrom: string;
  validTo: string;
  /** Whom it is for: its names and addresses. */
  names: string;
  /** The map's. */
  pin: string | undefined;
  /** Whether the map names a CA. */
  hasCa: boolean;
}

/**
 * Why an agent's certificate is not taken, as a sentence with what to do; undefined where it is. A pin says that it is this
 * one, whoever signed it and whatever names are in it; where the map names a CA as well, that holds too. Out of its time none
 * is good.
 */
export function whyNotTrusted(seen: SeenCertificate, now: Date): string | undefined {
  const { host, authorized, fingerprint, pin, validFrom, validTo, hasCa } = seen;
  if (fingerprint === undefined) return `${host} showed no certificate.`;
  if (pin !== undefined && pin !== fingerprint) {
    return `${host} shows another certificate than the one that is pinned: ${fingerprint}, not ${pin}. If it was renewed, put the new one into the map; if not, something else answers in its place.`;
  }
  if (!(new Date(validTo) > now)) {
    return `The certificate of ${host} expired on ${validTo}. Renew it on the agent's machine.`;
  }
  if (new Date(validFrom) > now) {
    return `The certificate of ${host} is not good before ${validFrom}. Look at the clocks of both machines.`;
  }
  if (authorized || (pin !== undefined && !hasCa)) return undefined;
  return whyUnauthorized(seen, fingerprint);
}

function whyUnauthorized({ host, reason, names, hasCa }: SeenCertificate, fingerprint: string): string {
  switch (reason) {
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `The certificate of ${host} is for another name: ${names || 'it has none'}. Use one of its names in the map's url, or give the agent a certificate for the host in it.`;
    case 'CERT_HAS_EXPIRED':
      return `A certificate that the one of ${host} hangs on has expired. Renew it on the agent's machine.`;
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE': {
      const who = hasCa
        ? 'is not signed by the ca that the map names'
        : 'is signed by nobody that is trusted here';
      return `The certificate of ${host} ${who}. Name its CA in the map (ca: FILE), or, where this is what the agent's log calls its pin, add: pin: "${fingerprint}".`;
    }
    default:
      return `The certificate of ${host} can't be trusted (${reason}).`;
  }
}
