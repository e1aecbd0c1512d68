using System.Diagnostics;

namespace OathServer.Tests.Provisioning;

/// <summary>
/// Every cut point of every strategy: the key pulled before and after each command, the server gone before and after each
/// commit. All single faults run here. <c>-explicit only</c> adds a second fault at every point of the resumption, once for
/// each different state that a first one leaves (hours; <c>OATHSERVER_PAIR_STRIDE=8</c> takes every eighth of the second).
/// </summary>
public class CutPointTests(ITestOutputHelper output)
{
    /// <summary>Rows in which every two strategies meet at least once.</summary>
    public static TheoryData<string> Rows =>
    [
        "puk=random pin=unique-initial mgm=random oath=applet fido=used fw=5.4.3",
        "puk=random pin=forced-change mgm=leave oath=slot fido=not-used fw=5.7.1",
        "puk=random pin=refuse-default mgm=random oath=totp fido=not-used fw=5.4.3",
        "puk=derived pin=unique-initial mgm=leave oath=totp fido=used fw=5.7.1",
        "puk=derived pin=forced-change mgm=random oath=applet fido=not-used fw=5.2.7",
        "puk=derived pin=refuse-default mgm=leave oath=slot fido=used fw=5.4.3",
        "puk=batch pin=unique-initial mgm=random oath=slot fido=not-used fw=5.2.7",
        "puk=batch pin=forced-change mgm=leave oath=none fido=used fw=5.4.3",
        "puk=batch pin=refuse-default mgm=random oath=applet fido=used fw=5.7.1",
        "puk=random pin=unique-initial mgm=random oath=applet fido=not-used fw=5.2.7",
    ];

    [Theory]
    [MemberData(nameof(Rows))]
    public async Task After_any_single_fault_a_resumed_job_ends_right_and_nothing_on_the_key_is_unknown(string row)
    {
        await using var walk = await CutPointWalk.StartAsync(CutPointCase.Parse(row));
        var cuts = 0;
        foreach (var kind in Enum.GetValues<FaultKind>())
        {
            for (var n = 1; await walk.RunAsync(new Fault(kind, n)); n++)
            {
                cuts++;
            }
        }

        output.WriteLine($"{cuts} cut points");
        Assert.True(cuts > 50, $"only {cuts} cut points were walked");
    }

    /// <summary>Rows whose PUK and PIN are resolved in different ways.</summary>
    public static TheoryData<string> SomeRows =>
    [
        "puk=random pin=unique-initial mgm=random oath=applet fido=not-used fw=5.4.3",
        "puk=derived pin=forced-change mgm=random oath=slot fido=not-used fw=5.2.7",
        "puk=batch pin=refuse-default mgm=random oath=totp fido=not-used fw=5.4.3",
    ];

    [Theory]
    [MemberData(nameof(SomeRows))]
    public async Task A_job_given_up_at_any_command_leaves_nothing_that_the_next_job_does_not_know(string row)
    {
        await using var walk = await CutPointWalk.StartAsync(CutPointCase.Parse(row));
        Assert.True(await WalkAsync(walk, Story.Abandoned, FaultKind.PulledBefore, FaultKind.PulledAfter) > 50);
    }

    [Theory]
    [MemberData(nameof(SomeRows))]
    public async Task A_key_cut_at_any_command_while_it_passes_to_somebody_else_ends_with_one_holder(string row)
    {
        await using var walk = await CutPointWalk.StartAsync(CutPointCase.Parse(row));
        Assert.True(await WalkAsync(walk, Story.PassedOn, FaultKind.PulledAfter, FaultKind.DiesBefore) > 50);
    }

    private static async Task<int> WalkAsync(CutPointWalk walk, Story story, params FaultKind[] kinds)
    {
        var cuts = 0;
        foreach (var kind in kinds)
        {
            for (var n = 1; await walk.RunAsync(story, new Fault(kind, n)); n++)
            {
                cuts++;
            }
        }

        return cuts;
    }

    private static int Stride => int.TryParse(Environment.GetEnvironmentVariable("OATHSERVER_PAIR_STRIDE"), out var stride) ? stride : 1;

    /// <summary>The rows of the long run: all, or those with OATHSERVER_PAIR_ROWS in them.</summary>
    public static TheoryData<string> PairRows =>
        [.. Rows.Select(r => r.Data).Where(r => r.Contains(Environment.GetEnvironmentVariable("OATHSERVER_PAIR_ROWS") ?? "", StringComparison.Ordinal))];

    // The long run: asked for by name, not skipped.
    [Theory(Explicit = true)]
    [MemberData(nameof(PairRows))]
    public async Task After_any_pair_of_faults_a_resumed_job_ends_right_and_nothing_on_the_key_is_unknown(string row)
    {
        await using var walk = await CutPointWalk.StartAsync(CutPointCase.Parse(row));
        var watch = Stopwatch.StartNew();
        var (singles, pairs) = (0, 0);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var first in Enum.GetValues<FaultKind>())
        {
            for (var n = 1; await walk.RunAsync(new Fault(first, n)); n++)
            {
                singles++;
                if (!seen.Add(walk.Left))
                {
                    continue;
                }

                foreach (var second in Enum.GetValues<FaultKind>())
                {
                    for (var m = 1 + (singles % Stride); await walk.RunAsync(new Fault(first, n), new Fault(second, m)); m += Stride)
                    {
                        pairs++;
                    }
                }

                // Long enough that somebody wants to see it move (-showLiveOutput).
                output.WriteLine($"{first} {n}: {singles} first faults, {seen.Count} states, {pairs} pairs in {watch.Elapsed.TotalSeconds:0} s");
            }
        }

        output.WriteLine($"{row}: {singles} first faults, {seen.Count} states, {pairs} pairs in {watch.Elapsed.TotalSeconds:0} s");
        Assert.True(pairs > 1000 / Stride, $"only {pairs} pairs were walked");
    }
}
