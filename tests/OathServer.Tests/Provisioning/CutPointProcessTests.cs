using System.Diagnostics;
using OathServer.Tests.Desk;

namespace OathServer.Tests.Provisioning;

/// <summary>
/// The cut points with nothing simulated but the chip: a real server process, the real pcscd and its virtual readers. The key
/// is pulled, or the server killed with <c>kill -9</c>, before a command arrives or after it was carried out. A spread over
/// all strategies runs here; <c>OATHSERVER_CUT_POINTS=pulled</c> or <c>killed</c> walks every command of every row (hours).
/// </summary>
[Collection(DeskPcscd.Collection)]
public class CutPointProcessTests(ITestOutputHelper output)
{
    /// <summary>Commands of the spread; the jobs of all rows are longer.</summary>
    private const int SpreadMax = 48;

    private static readonly string? whole = Environment.GetEnvironmentVariable("OATHSERVER_CUT_POINTS");

    private static bool IsWhole => whole is not null;

    private static bool[] Kinds => whole switch { null => [false, true], "pulled" => [false], "killed" => [true], _ => throw new InvalidOperationException("OATHSERVER_CUT_POINTS is pulled or killed.") };

    [Fact]
    public async Task A_key_cut_off_at_any_command_ends_right_through_pcscd_whether_it_is_pulled_or_the_server_killed()
    {
        Assert.SkipWhen(DeskPcscd.Missing is not null, DeskPcscd.Missing ?? "");
        var watch = Stopwatch.StartNew();
        await using var floor = await ProcessFloor.StartAsync([.. CutPointTests.Rows.Select(r => r.Data)], IsWhole ? 6000 : 40);
        foreach (var isKill in Kinds)
        {
            var plan = IsWhole ? Whole(floor.Rows) : Spread(floor.Rows, isKill);
            var cuts = 0;
            while (plan.Next(ProcessFloor.Lanes) is { Count: > 0 } round)
            {
                foreach (var (cut, came) in round.Zip(await floor.RunAsync(round, isKill)))
                {
                    cuts += came ? 1 : 0;
                    plan.Ran(cut, came);
                }

                output.WriteLine($"{cuts} cut points, {(isKill ? "server killed" : "key pulled")}, in {watch.Elapsed.TotalSeconds:0} s");
            }

            Assert.True(cuts >= (IsWhole ? 500 : 16), $"only {cuts} cut points were walked");
        }

        await floor.JudgeAsync();
    }

    /// <summary>Two cut points a row, one before and one after a command, far apart and different for pulling and killing.</summary>
    private static CutPlan Spread(int rows, bool isKill) => new(
        [.. Enumerable.Range(0, rows * 2).Select(i => new ProcessCut(i % rows, 2 + (((i * 17) + (isKill ? 9 : 0)) % SpreadMax), IsAfter: i / rows == 1))],
        goesOn: false);

    private static CutPlan Whole(int rows) => new(
        [.. Enumerable.Range(0, rows * 2).Select(i => new ProcessCut(i % rows, 1, IsAfter: i / rows == 1))], goesOn: true);

    /// <summary>What is walked: a list, or from each of its points on until the job is over.</summary>
    private sealed class CutPlan(IEnumerable<ProcessCut> first, bool goesOn)
    {
        private readonly Queue<ProcessCut> waiting = new(first);

        public List<ProcessCut> Next(int most)
        {
            var round = new List<ProcessCut>(most);
            while (round.Count < most && waiting.TryDequeue(out var cut))
            {
                round.Add(cut);
            }

            return round;
        }

        public void Ran(ProcessCut cut, bool came)
        {
            if (goesOn && came)
            {
                waiting.Enqueue(cut with { Command = cut.Command + 1 });
            }
        }
    }
}
