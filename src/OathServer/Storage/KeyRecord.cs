namespace OathServer.Storage;

/// <summary>Where a security key stands in its life.</summary>
internal enum KeyStatus
{
    /// <summary>A job is open on it; it cannot be handed out.</summary>
    InProvisioning,

    /// <summary>A step could not be resolved: the journal knows at most two values, the key must be seen again.</summary>
    InDoubt,

    /// <summary>Every step confirmed on the key and the first code accepted.</summary>
    ReadyForHandout,

    HandedOut,
    Suspended,
    Lost,
    Retired,
}

/// <summary>How the initial PIN was set.</summary>
internal enum PinMethod
{
    /// <summary>Left at the factory value: gap 2 open.</summary>
    FactoryDefault,

    /// <summary>A unique initial PIN, delivered by handout.</summary>
    UniqueInitial,

    /// <summary>A unique initial PIN that the key itself insists on changing.</summary>
    ForcedChange,

    /// <summary>The holder replaced the factory PIN at the desk; nobody else ever knew it.</summary>
    SetByHolder,
}

/// <summary>How the PUK was made.</summary>
internal enum PukMethod
{
    NotSet,

    /// <summary>Random for this key, escrowed sealed.</summary>
    Random,

    /// <summary>Derived from the CUID with a version of the PUK master secret; recomputed on demand.</summary>
    Derived,

    /// <summary>One value for a batch.</summary>
    Batch,
}

/// <summary>The gaps of the rollout a key has closed. The database works it out whenever a record is written.</summary>
[Flags]
internal enum ClosedGaps
{
    None = 0,

    /// <summary>1: the PUK is set and can be had again.</summary>
    Puk = 1,

    /// <summary>2: the factory PIN is gone.</summary>
    Pin = 2,

    /// <summary>3: the first code was accepted.</summary>
    FirstCode = 4,

    /// <summary>4: FIDO was decided upon.</summary>
    Fido = 8,

    /// <summary>5: holder, operator and time are on record.</summary>
    Record = 16,

    All = Puk | Pin | FirstCode | Fido | Record,
}

/// <summary>The record under a CUID: who holds the key, how it was provisioned, what can be recovered.</summary>
internal sealed class KeyRecord
{
    /// <summary>The key's unique identifier in canonical form; the primary key.</summary>
    public required string Cuid { get; set; }

    /// <summary>How the CUID was read, e.g. <c>DeviceSerial</c>.</summary>
    public required string CuidSource { get; set; }

    /// <summary>The device serial number in decimal, a second index and never the key.</summary>
    public string? DeviceSerial { get; set; }

    public string? Model { get; set; }

    public string? Firmware { get; set; }

    public KeyStatus Status { get; set; }

    public long? PersonId { get; set; }

    public Person? Person { get; set; }

    public string? ProfileName { get; set; }

    public int ProfileVersion { get; set; }

    public string? Batch { get; set; }

    public string? ProvisionedBy { get; set; }

    public DateTimeOffset? ProvisionedAt { get; set; }

    public PinMethod PinMethod { get; set; }

    /// <summary>The initial PIN, sealed, until it was shown; null when the profile keeps none.</summary>
    public byte[]? SealedPin { get; set; }

    public PukMethod PukMethod { get; set; }

    /// <summary>The PUK, sealed; null when it is derived.</summary>
    public byte[]? SealedPuk { get; set; }

    /// <summary>Version of the PUK master secret; 0 when not derived.</summary>
    public int PukMasterVersion { get; set; }

    /// <summary>The profile a derived PUK was derived for; it is part of the derivation.</summary>
    public string? PukProfile { get; set; }

    /// <summary>Length of the PUK, to derive it again.</summary>
    public int PukDigits { get; set; }

    /// <summary>The characters of the PUK, to derive it again; null when they are digits.</summary>
    public string? PukAlphabet { get; set; }

    /// <summary>When the PUK was set; a batch PUK is due for rotation some days later.</summary>
    public DateTimeOffset? PukSetAt { get; set; }

    /// <summary>Attempt number of the derivation (weak values are skipped).</summary>
    public int PukAttempt { get; set; }

    /// <summary>A person has seen the PUK: rotate it when the key is next seen.</summary>
    public bool PukKnownToPerson { get; set; }

    /// <summary>The PIV management key, sealed; null when left alone.</summary>
    public byte[]? SealedManagementKey { get; set; }

    /// <summary>When the first code of the key was accepted through the relying parties' path.</summary>
    public DateTimeOffset? FirstCodeAcceptedAt { get; set; }

    /// <summary>Where key and server both stood once that code was accepted.</summary>
    public long? ProvenCounter { get; set; }

    /// <summary>When a drill last unblocked the key with its escrowed PUK.</summary>
    public DateTimeOffset? PukDrilledAt { get; set; }

    /// <summary>The FIDO decision of the rollout, in words; null when none was made (gap 4 open).</summary>
    public string? FidoPolicy { get; set; }

    /// <summary>Whether the FIDO policy was applied on the key, or why not.</summary>
    public string? FidoStatus { get; set; }

    public string? Notes { get; set; }

    public DateTimeOffset UpdatedAt { get; set; }

    /// <summary>Worked out by the database from the columns above.</summary>
    public ClosedGaps Closed { get; private set; }

    /// <summary><see cref="Closed"/> as both databases say it.</summary>
    internal const string ClosedSql = $"""
        CASE WHEN "PukMethod" = '{nameof(Storage.PukMethod.Derived)}' OR "SealedPuk" IS NOT NULL THEN 1 ELSE 0 END
        + CASE WHEN "PinMethod" <> '{nameof(Storage.PinMethod.FactoryDefault)}' THEN 2 ELSE 0 END
        + CASE WHEN "FirstCodeAcceptedAt" IS NOT NULL THEN 4 ELSE 0 END
        + CASE WHEN "FidoPolicy" IS NOT NULL THEN 8 ELSE 0 END
        + CASE WHEN "PersonId" IS NOT NULL AND "ProvisionedBy" IS NOT NULL AND "ProvisionedAt" IS NOT NULL THEN 16 ELSE 0 END
        """;

    /// <summary>The OATH credentials on the key.</summary>
    public List<Token> Tokens { get; } = [];
}
