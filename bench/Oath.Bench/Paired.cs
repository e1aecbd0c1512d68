using System.Diagnostics;

namespace Oath.Bench;

/// <summary>Times several ways to do the same work in turns, so that a noisy neighbour disturbs all of them.</summary>
internal static class Paired
{
    // Short, so that most batches are over before the scheduler gives the core to someone else.
    private const double BatchMilliseconds = 0.3;

    /// <summary>The median over all rounds of the nanoseconds each call takes.</summary>
    public static double[] MedianNanoseconds(int rounds, params Action[] ways)
    {
        int[] batches = [.. ways.Select(BatchSize)];
        double[][] times = [.. ways.Select(_ => new double[rounds])];
        for (int round = 0; round < rounds; round++)
        {
            for (int way = 0; way < ways.Length; way++)
                times[way][round] = Time(ways[way], batches[way]);
        }

        return [.. times.Select(Median)];
    }

    private static int BatchSize(Action way)
    {
        // The runtime compiles a method for good in the background, a while after its thirtieth call, and then what it calls: what
        // a call takes is known once it has stopped falling.
        double least = double.MaxValue, each = Warm(way);
        for (int attempt = 1; attempt < 4 || (each < 0.97 * least && attempt < 20); attempt++)
        {
            least = Math.Min(least, each);
            Thread.Sleep(120);
            each = Warm(way);
        }

        return Math.Max(1, (int)(BatchMilliseconds * 1e6 / Math.Min(least, each)));
    }

    private static double Warm(Action way)
    {
        long start = Stopwatch.GetTimestamp();
        int calls = 0;
        for (; calls < 40 || Stopwatch.GetElapsedTime(start).TotalMilliseconds < 20; calls++)
            way();
        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / calls;
    }

    private static double Time(Action way, int calls)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < calls; i++)
            way();
        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / calls;
    }

    private static double Median(double[] times)
    {
        Array.Sort(times);
        return times[times.Length / 2];
    }
}
