namespace OathServer.Operations.Settings;

/// <summary>Reads the whole configuration at start: a setting nobody knows, a value of the wrong kind or out of range is
/// said at once, all of them together, instead of being ignored or met at three in the morning.</summary>
internal static class SettingsCheck
{
    /// <summary>How many letters a name may be off to be taken for a known one.</summary>
    private const int NearMax = 3;

    /// <exception cref="InvalidOperationException">Something must be put right; one line a fault.</exception>
    public static void Run(IConfiguration configuration)
    {
        if (Faults(configuration) is { Count: > 0 } faults)
        {
            throw new InvalidOperationException(string.Join('\n', faults));
        }
    }

    /// <summary>What is wrong, a line each; empty when nothing is.</summary>
    public static IReadOnlyList<string> Faults(IConfiguration configuration)
    {
        var faults = new List<string>();
        foreach (var section in configuration.GetChildren())
        {
            if (KnownSettings.Sections.Contains(section.Key, StringComparer.OrdinalIgnoreCase))
            {
                Walk(section, faults);
            }
            else if (section.GetChildren().Any() && !KnownSettings.IsForeign(section.Key) && Near(section.Key, KnownSettings.Sections, most: 2) is { } meant)
            {
                // The environment is full of other programs' names: only what looks like one of ours is spoken of.
                faults.Add($"{section.Key} is no section of settings. Did you mean {meant}?");
            }
        }

        return faults;
    }

    private static void Walk(IConfigurationSection section, List<string> faults)
    {
        foreach (var child in section.GetChildren())
        {
            Walk(child, faults);
        }

        if (section.Value is null || (section.Value.Length == 0 && !section.GetChildren().Any() && IsKnown(section.Path)))
        {
            // A section, or a setting left empty: as if it were not there.
            return;
        }

        if (KnownSettings.All.FirstOrDefault(s => s.Takes(section.Path)) is not { } setting)
        {
            if (section.Value.Length > 0 || !section.GetChildren().Any())
            {
                faults.Add(Unknown(section.Path));
            }
        }
        else if (setting.Fault(section.Value) is { } fault)
        {
            faults.Add(setting.IsSecret ? $"{section.Path}: {fault}" : $"{section.Path} is {section.Value}; {fault}");
        }
    }

    private static bool IsKnown(string path) => KnownSettings.All.Any(s => s.Takes(path));

    private static string Unknown(string path)
    {
        var names = KnownSettings.All.Select(s => s.Path).ToList();
        if (Near(path, names, NearMax) is { } meant)
        {
            return $"{path} is no setting. Did you mean {meant}?";
        }

        var section = path.Split(':')[0];
        var there = names.Where(n => n.StartsWith(section + ":", StringComparison.OrdinalIgnoreCase)).Select(n => n[(section.Length + 1)..]);
        return $"{path} is no setting. In {section} there are: {string.Join(", ", there)}.";
    }

    private static string? Near(string name, IEnumerable<string> known, int most) => known
        .Select(k => (Name: k, Distance: Distance(name.ToUpperInvariant(), k.ToUpperInvariant())))
        .Where(k => k.Distance <= most && k.Distance < name.Length / 2).OrderBy(k => k.Distance).Select(k => k.Name).FirstOrDefault();

    /// <summary>Letters to add, drop or change (Levenshtein).</summary>
    private static int Distance(string one, string other)
    {
        var row = Enumerable.Range(0, other.Length + 1).ToArray();
        for (var i = 1; i <= one.Length; i++)
        {
            var (corner, left) = (row[0], row[0] = i);
            for (var j = 1; j <= other.Length; j++)
            {
                var up = row[j];
                row[j] = left = Math.Min(Math.Min(up, left) + 1, corner + (one[i - 1] == other[j - 1] ? 0 : 1));
                corner = up;
            }
        }

        return row[^1];
    }
}
