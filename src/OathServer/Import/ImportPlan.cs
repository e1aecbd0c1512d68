using Pskc;

namespace OathServer.Import;

/// <summary>What a file will become: its keys, checked against one another and named. Knows no store.</summary>
internal sealed class ImportPlan(ImportOptions options) : IDisposable
{
    private const int SerialMax = 128;

    public List<SeedKey> Keys { get; } = [];

    public IEnumerable<SeedKey> ToImport => Keys.Where(k => k.Outcome == KeyOutcome.Imported);

    /// <summary>Takes a key as it was read, and the care for its secret.</summary>
    public void Add(SeedKey key)
    {
        Keys.Add(key);
        key.TokenSerial = key.DeviceSerial;
        if (key.Fault is not null)
        {
            key.Outcome = KeyOutcome.Refused;
        }
        else if (key.NotEnrolled is not null)
        {
            key.Outcome = KeyOutcome.NotEnrolled;
            // Not stored, so not kept either.
            key.Dispose();
        }
        else
        {
            Check(key);
        }
    }

    /// <summary>Once all keys are there: gives owners, refuses what the file holds twice, names the tokens.</summary>
    public void Complete()
    {
        GiveOwners();
        foreach (var device in Keys.Where(k => k.Outcome == KeyOutcome.Imported).GroupBy(k => k.DeviceSerial, StringComparer.Ordinal))
        {
            var keys = device.ToList();
            if (keys.Count > 1)
            {
                RefuseTwins(keys);
                Name(keys.FindAll(k => k.Outcome == KeyOutcome.Imported));
            }
        }

        var taken = new HashSet<string>(StringComparer.Ordinal);
        foreach (var key in ToImport)
        {
            if (!taken.Add(key.TokenSerial))
            {
                key.Refuse(Fault.DuplicateKey, $"another key of the file would get the token serial {key.TokenSerial} too");
            }
        }
    }

    private void Check(SeedKey key)
    {
        if (key.DeviceSerial.Length == 0)
        {
            key.Refuse(Fault.NoSerial, "it has neither a serial number nor an id, so nobody could find it again");
        }
        else if (key.DeviceSerial.Length > SerialMax || key.DeviceSerial.Any(char.IsControl) || key.DeviceSerial != key.DeviceSerial.Trim())
        {
            key.Refuse(Fault.BadSerial, $"its serial number is longer than {SerialMax} characters, or has blanks around it or control characters in it");
        }
        else if (key.Counter is < 0 or > SeedKey.CounterMax)
        {
            key.Refuse(Fault.CounterOutOfRange, $"its counter {key.Counter} is outside 0 to {SeedKey.CounterMax}");
        }
        else if (WhyWeak(key) is { } weak)
        {
            if (options.Weak == WeakSecrets.Refuse)
            {
                key.Refuse(Fault.WeakSecret, weak);
            }
            else
            {
                key.Warn(weak);
            }
        }
    }

    private static string? WhyWeak(SeedKey key) => new Key { Secret = key.Secret, Algorithm = KeyAlgorithm.Hotp }.WeakReason;

    private void GiveOwners()
    {
        var unknown = options.Owners?.Serials.ToHashSet(StringComparer.Ordinal) ?? [];
        foreach (var key in Keys)
        {
            var listed = options.Owners?.OwnerOf(key.DeviceSerial);
            unknown.Remove(key.DeviceSerial);
            key.Owner = listed ?? (options.IgnoreOwners ? null : key.Owner);
        }

        if (unknown.Count > 0 && !options.Partial)
        {
            var serial = unknown.First();
            throw new ImportRefusedException(Fault.BadOwners,
                $"The list of owners names serial {serial}, which the file does not hold ({unknown.Count} of them). Correct the list, or import in part.",
                serial, line: options.Owners!.LineOf(serial));
        }
    }

    /// <summary>The identity of a key is manufacturer, serial, issue number and key id; two of one identity are a
    /// mistake of the sender, and choosing one would lose the other.</summary>
    private static void RefuseTwins(List<SeedKey> keys)
    {
        foreach (var twins in keys.GroupBy(k => (k.Manufacturer, k.IssueNumber, k.KeyId)).Where(g => g.Count() > 1))
        {
            var lines = string.Join(", ", twins.Select(k => k.Line));
            foreach (var twin in twins)
            {
                twin.Refuse(Fault.DuplicateKey, $"the file holds this key more than once (lines {lines}); ask the sender which is right");
            }
        }
    }

    /// <summary>Several keys of one device get serials of their own, always the same for the same file.</summary>
    private static void Name(List<SeedKey> keys)
    {
        if (keys.Count < 2)
        {
            return;
        }

        Func<SeedKey, string>[] ways =
        [
            k => Join(k.DeviceSerial, k.KeyId),
            k => Join(k.DeviceSerial, k.IssueNumber, k.KeyId),
            k => Join(k.Manufacturer, k.DeviceSerial, k.IssueNumber, k.KeyId),
        ];
        var way = Array.Find(ways, w => keys.Select(w).Distinct(StringComparer.Ordinal).Count() == keys.Count);
        foreach (var key in keys)
        {
            if (way is null)
            {
                key.Refuse(Fault.DuplicateKey, "its device carries several keys that cannot be told apart by their ids");
            }
            else
            {
                key.TokenSerial = way(key);
            }
        }
    }

    /// <summary>With colons, as a slash would part the token's address; an id that begins with the serial (Yubico's
    /// <c>serial:slot</c>) stands alone.</summary>
    private static string Join(params string?[] parts)
    {
        var given = parts.Where(p => !string.IsNullOrEmpty(p)).Select(p => p!.Replace('/', '-')).ToList();
        return given.Count == 2 && given[1].StartsWith(given[0] + ":", StringComparison.Ordinal) ? given[1] : string.Join(':', given);
    }

    public void Dispose()
    {
        foreach (var key in Keys)
        {
            key.Dispose();
        }
    }
}
