// Who is asking. Authenticators are tried in order; the first that knows the caller answers.

export interface UserInfo {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export interface Credentials {
  /** The verified client certificate's subject, when the TLS handshake gave one signed by our client CA. */
  readonly certificate?: {
    readonly commonName: string;
    readonly organizations: readonly string[];
    readonly fingerprint?: string;
  };
  /** Set instead when the certificate is a front proxy's: it asks for others, whom its headers name. */
  readonly frontProxy?: { readonly commonName: string; readonly rawHeaders: readonly string[] };
  /** Behind `Authorization: Bearer`. */
  readonly bearerToken?: string;
}

export interface Authenticator {
  /** Undefined: not mine. Throws unauthorized() for a credential that is mine and wrong. */
  authenticate(credentials: Credentials): Promise<UserInfo | undefined>;
}
