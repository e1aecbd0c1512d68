namespace OathServer.Storage;

/// <summary>How a PIN is kept.</summary>
internal enum PinScheme
{
    /// <summary>ASP.NET Core's PasswordHasher: what was set here, and what came from elsewhere once it was used.</summary>
    Own,

    /// <summary>passlib's <c>$argon2i$</c>, <c>$argon2d$</c> and <c>$argon2id$</c> (privacyIDEA).</summary>
    Argon2,

    /// <summary>passlib's <c>$pbkdf2-sha512$</c> and <c>$pbkdf2-sha256$</c> (privacyIDEA).</summary>
    Pbkdf2,

    /// <summary>SHA-256 of PIN and seed (LinOTP, old privacyIDEA).</summary>
    SaltedSha256,
}

/// <summary>What a token's PIN is held against. Only the hash is kept, and that sealed. <see cref="CounterFlags.HasPin"/> on
/// the counter row says that there is one: written in the same transaction, so that no node takes a code without it.</summary>
internal sealed class TokenPin
{
    public long TokenId { get; set; }

    public PinScheme Scheme { get; set; }

    /// <summary>The hash, sealed for the token's serial number in <see cref="Version"/>.</summary>
    public required byte[] SealedVerifier { get; set; }

    /// <summary>Rises with each change, also when a hash from elsewhere is made anew.</summary>
    public int Version { get; set; }

    /// <summary>Whose PIN it is; it goes when the token gets another holder. Null while nobody held the token.</summary>
    public long? PersonId { get; set; }

    /// <summary>The server it came from; null for one set here.</summary>
    public string? Source { get; set; }

    public required string SetBy { get; set; }

    public DateTimeOffset SetAt { get; set; }
}
