using System.Diagnostics;
using System.Net;

namespace OathServer.Fault.Tests.Nodes;

/// <summary>Waits for what must happen after a fault, and keeps how long the nodes took to accept again.</summary>
internal sealed class Recovery(Workload workload, List<TimeSpan> times)
{
    /// <summary>The fault ended at <paramref name="healed"/>: waits until every node accepted a code since.</summary>
    public async Task SinceAsync(long healed)
    {
        await workload.UntilEveryNodeAcceptedAsync();
        times.Add(Stopwatch.GetElapsedTime(healed));
    }

    /// <summary>Does <paramref name="work"/> while the clients send nothing.</summary>
    public async Task InQuietAsync(Func<Task> work)
    {
        workload.Quiet = true;
        await work();
        workload.Quiet = false;
    }

    /// <summary>The fault is seen by the clients of every node.</summary>
    public Task BothRefuseAsync() => workload.UntilEveryNodeWasUnavailableAsync();

    /// <summary>So many acts of staff at each node at the same moment; what they were answered.</summary>
    public Task<HttpStatusCode[]> StaffAtOnceAsync(int count) => workload.StaffAtOnceAsync(count);

    /// <summary>What is left of the nodes goes on accepting.</summary>
    public Task OthersGoOnAsync() => workload.UntilAcceptedAsync(more: 20);
}
