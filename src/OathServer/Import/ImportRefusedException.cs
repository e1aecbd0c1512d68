using System.Text.Json;
using Pskc;

namespace OathServer.Import;

/// <summary>A file that was not imported: nothing of it is in the store. The message is one line for a person, names the
/// key package, and never holds a secret.</summary>
internal sealed class ImportRefusedException : Exception
{
    public ImportRefusedException(string fault, string message, string? serial = null, string? keyId = null, int line = 0)
        : base(message)
    {
        Fault = fault;
        Serial = serial;
        KeyId = keyId;
        Line = line;
    }

    public ImportRefusedException(PskcException fault)
        : base(fault.Message, fault)
    {
        Fault = JsonNamingPolicy.KebabCaseLower.ConvertName(fault.Fault.ToString());
        Serial = fault.SerialNo;
        KeyId = fault.KeyId;
        Line = fault.Line;
    }

    /// <summary>The kind of fault, in kebab case: one of <see cref="PskcFault"/> or of <see cref="Import.Fault"/>.</summary>
    public string Fault { get; }

    public string? Serial { get; }

    public string? KeyId { get; }

    /// <summary>The line of the file; 0 when it has no place there.</summary>
    public int Line { get; }

    /// <summary>What would have become of each key, when the file could be read to its end.</summary>
    public ImportReport? Report { get; init; }
}

/// <summary>Another import is running; one at a time keeps the order of files plain.</summary>
internal sealed class ImportBusyException(string fileName) : Exception($"{fileName} is being imported just now.");

/// <summary>Faults of an import that are not faults of a PSKC file as such.</summary>
internal static class Fault
{
    public const string UnknownFormat = "unknown-format";
    public const string AmbiguousFormat = "ambiguous-format";
    public const string BadRow = "bad-row";
    public const string AmbiguousSecret = "ambiguous-secret";
    public const string BadSecret = "bad-secret";
    public const string WeakSecret = "weak-secret";
    public const string NoSerial = "no-serial";
    public const string BadSerial = "bad-serial";
    public const string DuplicateKey = "duplicate-key";
    public const string CounterOutOfRange = "counter-out-of-range";
    public const string ChangedSeed = "changed-seed";
    public const string ChangedParameters = "changed-parameters";
    public const string LowerCounter = "lower-counter";
    public const string HigherCounter = "higher-counter";
    public const string SerialTaken = "serial-taken";
    public const string BadOwners = "bad-owners";
    public const string NothingToEnrol = "nothing-to-enrol";
    public const string TooLarge = "limit-exceeded";
    public const string KeyNotNeeded = "key-not-needed";
}
