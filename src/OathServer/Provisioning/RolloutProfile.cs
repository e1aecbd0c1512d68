using System.Text.Json.Serialization;

namespace OathServer.Provisioning;

/// <summary>The decisions of a rollout: what a key looks like when it is handed out. Stored as versions; an edit adds one.</summary>
public sealed record RolloutProfile
{
    /// <summary>The profile used when a request names none.</summary>
    public const string DefaultName = "default";

    /// <summary>How the PUK is made.</summary>
    public PukDecision Puk { get; init; } = new();

    /// <summary>How the initial PIN is set.</summary>
    public PinDecision Pin { get; init; } = new();

    /// <summary>What the maker set before the keys came, where it is not the usual of the make.</summary>
    public FactoryDecision Factory { get; init; } = new();

    /// <summary>Tries before PIN and PUK block; null leaves the key's own.</summary>
    // Written even when null: left out it would be read back as the default.
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public RetryDecision? Retries { get; init; } = new();

    /// <summary>What becomes of the PIV management key.</summary>
    public ManagementKeyStrategy ManagementKey { get; init; } = ManagementKeyStrategy.Random;

    /// <summary>Where the OATH credential goes; null writes none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public OathDecision? Oath { get; init; } = new();

    /// <summary>The FIDO decision: saying "not used" is a decision too, leaving it open is gap 4.</summary>
    public FidoDecision Fido { get; init; } = new();

    /// <summary>Ask the key for one code and validate it before handout.</summary>
    public bool VerifyFirstCode { get; init; } = true;

    /// <summary>The words of the handout page.</summary>
    public HandoutDecision Handout { get; init; } = new();

    /// <summary>What is wrong with the decisions, each line naming the member.</summary>
    internal IEnumerable<string> Faults()
    {
        if (Puk.Digits is < 6 or > SecretDigits.LengthMax)
        {
            yield return $"puk.digits: 6 to {SecretDigits.LengthMax}; a YubiKey takes 6 to 8. Leave it out for as many as the key takes.";
        }

        if (Puk.RotateAfterDays is < 1 or > 3650)
        {
            yield return "puk.rotateAfterDays: 1 to 3650.";
        }

        if (Pin.Digits is < 4 or > SecretDigits.LengthMax)
        {
            yield return $"pin.digits: 4 to {SecretDigits.LengthMax}; PIV takes 6 to 8.";
        }

        foreach (var (member, value) in new[] { ("pin", Factory.Pin), ("puk", Factory.Puk) })
        {
            if (value is not null && (value.Length is < 4 or > SecretDigits.LengthMax || value.Any(c => c is < ' ' or > '~')))
            {
                yield return $"factory.{member}: 4 to {SecretDigits.LengthMax} characters of ASCII.";
            }
        }

        if (Retries is { } retries && (retries.Pin is < 2 or > 15 || retries.Puk is < 2 or > 15))
        {
            // With one try a single slip blocks, and nothing could ever be found out about the key without risking it.
            yield return "retries: 2 to 15 for PIN and PUK.";
        }

        if (Oath is { } oath && !oath.Name.Contains("{serial}", StringComparison.Ordinal) && !oath.Name.Contains("{user}", StringComparison.Ordinal))
        {
            yield return "oath.name: must contain {serial} or {user}, or two credentials on a key would share a name.";
        }

        if (Oath?.Slot is not (null or 1 or 2))
        {
            yield return "oath.slot: 1 or 2; leave it out for the OATH application.";
        }

        if (VerifyFirstCode && Oath is null)
        {
            yield return "verifyFirstCode: there is no code to verify without an OATH credential.";
        }

        if (Fido.MinPinLength is < 4 or > 63)
        {
            yield return "fido.minPinLength: 4 to 63 (CTAP 2.1).";
        }
    }
}

/// <summary>How the PUK is made.</summary>
/// <param name="Strategy">Random and escrowed, derived from the CUID, or one for a batch.</param>
/// <param name="Digits">How long it is: 6 to 8 on a YubiKey, 8 on another PIV card, 16 on some other makes. Left out, as long
/// as the key takes. The characters are those of the key's make; digits on every PIV card.</param>
/// <param name="RotateAfterDays">Batch PUK only: after so many days readiness lists the keys that still carry it.</param>
public sealed record PukDecision(PukStrategy Strategy = PukStrategy.Random, int? Digits = null, int RotateAfterDays = 90);

/// <summary>How the PUK is made.</summary>
public enum PukStrategy
{
    /// <summary>Random for each key, escrowed sealed.</summary>
    Random,

    /// <summary>HMAC of the CUID under a version of the PUK master secret; recomputed on demand.</summary>
    Derived,

    /// <summary>One value for a batch: whoever learns it can unblock the whole batch, so it has a rotation date.</summary>
    Batch,
}

/// <summary>PIN and PUK that every key of the delivery came with. Null: the usual of the make (<c>123456</c> and
/// <c>12345678</c> on PIV, what its driver says on others). Shown to whoever reads the profile.</summary>
public sealed record FactoryDecision(string? Pin = null, string? Puk = null);

/// <summary>How the initial PIN is set.</summary>
/// <param name="Strategy">What the holder gets.</param>
/// <param name="Digits">How long the initial PIN is.</param>
/// <param name="OnHandout">Print it on the handout page, once; otherwise it is read out once by help desk.</param>
public sealed record PinDecision(PinStrategy Strategy = PinStrategy.UniqueInitial, int Digits = 6, bool OnHandout = false);

/// <summary>What PIN the holder gets.</summary>
public enum PinStrategy
{
    /// <summary>A unique initial PIN, delivered with the handout.</summary>
    UniqueInitial,

    /// <summary>As above, and the key itself insists on a change where it can (other makes can, PIV cannot).</summary>
    ForcedChange,

    /// <summary>Nothing is set; the job ends only once the holder has replaced the factory PIN at the desk.</summary>
    RefuseDefault,
}

/// <summary>Tries before PIN and PUK block.</summary>
public sealed record RetryDecision(int Pin = 5, int Puk = 5);

/// <summary>What becomes of the PIV management key.</summary>
public enum ManagementKeyStrategy
{
    /// <summary>Random for each key, escrowed sealed.</summary>
    Random,

    /// <summary>Left as it is.</summary>
    Leave,
}

/// <summary>The OATH credential on the key.</summary>
/// <param name="Name">Its name there; <c>{serial}</c> and <c>{user}</c> are filled in. The serial stays true when a key
/// changes hands.</param>
/// <param name="Touch">Whether each code needs a touch.</param>
/// <param name="Slot">1 or 2: the key types the codes from this OTP slot when touched (HOTP, SHA-1, 6 or 8 digits, at most
/// 20 bytes of secret); null puts the credential into the OATH application.</param>
public sealed record OathDecision(string Name = "OathServer:{serial}", bool Touch = false, int? Slot = null);

/// <summary>The FIDO decision of the rollout.</summary>
/// <param name="Scope">Whether FIDO is used; <see cref="FidoScope.Undecided"/> leaves gap 4 open.</param>
/// <param name="MinPinLength">Least length of the FIDO PIN, set on the key where it can be reached.</param>
/// <param name="ForceChange">The key insists on a new PIN when one is set already.</param>
/// <param name="Recovery">What happens after a forgotten FIDO PIN: there is no PUK, a reset wipes every registration.</param>
public sealed record FidoDecision(
    FidoScope Scope = FidoScope.NotUsed, int MinPinLength = 6, bool ForceChange = false,
    string Recovery = "A forgotten FIDO PIN cannot be recovered: the application is reset and every registration made again.");

/// <summary>Whether a rollout uses FIDO.</summary>
public enum FidoScope
{
    /// <summary>No decision: gap 4 stays open.</summary>
    Undecided,

    /// <summary>This rollout does not use FIDO on these keys.</summary>
    NotUsed,

    /// <summary>The holder sets the PIN and registers; the policy is applied before handout.</summary>
    HolderRegisters,
}

/// <summary>The words of the handout page.</summary>
/// <param name="Organisation">Whose rollout it is.</param>
/// <param name="HelpDesk">How to reach help: telephone, page.</param>
/// <param name="Language"><c>en</c> or <c>de</c>.</param>
/// <param name="FirstSteps">What the holder does first, a line each; the page's own when empty.</param>
public sealed record HandoutDecision(
    string Organisation = "", string HelpDesk = "", HandoutLanguage Language = HandoutLanguage.En, IReadOnlyList<string>? FirstSteps = null);

/// <summary>The language of the handout.</summary>
public enum HandoutLanguage
{
    /// <summary>English.</summary>
    En,

    /// <summary>German.</summary>
    De,
}
