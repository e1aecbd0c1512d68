using System.Diagnostics;

namespace OathServer.Fault.Tests.History;

/// <summary>
/// Judges a run by what its clients saw, knowing nothing of the server: each (token, counter) accepted at most once;
/// nothing at or below an acknowledged counter accepted later; no wrong code accepted; every acknowledged change there
/// afterwards; every refusal a 503 in good time, never a fault or a hang.
/// </summary>
internal static class HistoryChecker
{
    /// <summary>What is wrong, a line each; empty when the history holds.</summary>
    public static List<string> Check(ClientHistory history, TimeSpan? longestReply = null)
    {
        var faults = new List<string>();
        foreach (var token in history.Attempts.Where(a => a.Answer == Answer.Accepted).GroupBy(a => a.Token))
        {
            CheckOnce(token.Key, [.. token], faults);
            CheckOrder(token.Key, [.. token], faults);
            CheckPresent(token.Key, token.Max(a => a.Counter), history.CountersAfter, faults);
        }

        CheckAnswers(history.Attempts, longestReply, faults);
        CheckActs(history, faults);
        return faults;
    }

    private static void CheckOnce(int token, List<Attempt> accepted, List<string> faults)
    {
        foreach (var wrong in accepted.Where(a => a.Meaning == Meaning.Wrong))
        {
            faults.Add($"token {token}: a wrong code was accepted by node {wrong.Node}");
        }

        foreach (var twice in accepted.Where(a => a.Meaning != Meaning.Wrong).GroupBy(a => a.Counter).Where(g => g.Skip(1).Any()))
        {
            faults.Add($"token {token}: counter {twice.Key} was accepted {twice.Count()} times, by nodes {string.Join(", ", twice.Select(a => a.Node))}");
        }
    }

    /// <summary>What was acknowledged before a request began is below what that request had accepted.</summary>
    private static void CheckOrder(int token, List<Attempt> accepted, List<string> faults)
    {
        var byEnd = accepted.OrderBy(a => a.Ended).ToList();
        var highest = -1L;
        var seen = 0;
        foreach (var attempt in accepted.OrderBy(a => a.Started))
        {
            for (; seen < byEnd.Count && byEnd[seen].Ended < attempt.Started; seen++)
            {
                highest = Math.Max(highest, byEnd[seen].Counter);
            }

            if (attempt.Counter < highest)
            {
                faults.Add($"token {token}: counter {attempt.Counter} was accepted after counter {highest} had been acknowledged");
            }
        }
    }

    private static void CheckPresent(int token, long highest, IReadOnlyDictionary<int, long> after, List<string> faults)
    {
        if (!after.TryGetValue(token, out var stored))
        {
            faults.Add($"token {token}: it is gone");
        }
        else if (stored <= highest)
        {
            faults.Add($"token {token}: counter {highest} was acknowledged, but the store would accept {stored} next");
        }
    }

    private static void CheckAnswers(IReadOnlyList<Attempt> attempts, TimeSpan? longestReply, List<string> faults)
    {
        var others = attempts.Count(a => a.Answer == Answer.Other);
        if (others > 0)
        {
            faults.Add($"{others} requests were answered neither with a verdict nor with 503");
        }

        if (longestReply is { } limit && attempts.Count > 0)
        {
            var longest = attempts.MaxBy(a => a.Ended - a.Started);
            var took = Stopwatch.GetElapsedTime(longest.Started, longest.Ended);
            if (took > limit)
            {
                faults.Add($"token {longest.Token}: node {longest.Node} took {took.TotalSeconds:0.0} s to answer ({longest.Answer}); at most {limit.TotalSeconds:0} s were allowed");
            }
        }
    }

    private static void CheckActs(ClientHistory history, List<string> faults)
    {
        foreach (var subject in history.Acts.Where(a => a.Acknowledged).GroupBy(a => a.Subject))
        {
            var last = subject.Max(a => a.Number);
            var stored = history.ActsAfter.GetValueOrDefault(subject.Key, -1);
            if (stored < last)
            {
                faults.Add($"subject {subject.Key}: act {last} was acknowledged, but the store holds act {stored}");
            }
        }
    }
}
