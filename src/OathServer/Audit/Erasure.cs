using System.Globalization;
using OathServer.Storage;

namespace OathServer.Audit;

/// <summary>What a purge erased from the trail, as its own entry tells: an erasure that no later purge tells of is tampering.</summary>
internal static class Erasure
{
    /// <summary>The act that erases.</summary>
    public const string Action = "person.purge";

    private const string Marker = "erased from entries ";

    /// <summary>Sequences in words, runs shortened: <c>erased from entries 3-5,9</c>.</summary>
    public static string Words(IEnumerable<long> sequences)
    {
        var runs = new List<(long First, long Last)>();
        foreach (var sequence in sequences.Order())
        {
            if (runs.Count > 0 && runs[^1].Last == sequence - 1)
            {
                runs[^1] = (runs[^1].First, sequence);
            }
            else
            {
                runs.Add((sequence, sequence));
            }
        }

        return runs.Count == 0 ? Marker + "none" : Marker + string.Join(',', runs.Select(r => r.First == r.Last ? Text(r.First) : $"{Text(r.First)}-{Text(r.Last)}"));
    }

    /// <summary>Takes from <paramref name="erased"/> what this entry tells of.</summary>
    public static void Account(AuditEntry entry, SortedSet<long> erased)
    {
        if (entry.Action != Action || entry.Detail is not { } detail || detail.IndexOf(Marker, StringComparison.Ordinal) is not (>= 0 and var at))
        {
            return;
        }

        foreach (var run in detail[(at + Marker.Length)..].Split(','))
        {
            var ends = run.Split('-');
            if (long.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out var first)
                && long.TryParse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var last))
            {
                erased.RemoveWhere(s => s >= first && s <= last);
            }
        }
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
