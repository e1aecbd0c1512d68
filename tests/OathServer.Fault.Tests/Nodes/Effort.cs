using System.Globalization;

namespace OathServer.Fault.Tests.Nodes;

/// <summary>How much is done: little at each change, much when somebody asks for it by environment variables.</summary>
internal static class Effort
{
    /// <summary>Requests of the run without faults: <c>OATHSERVER_FAULT_REQUESTS</c>, 20,000 otherwise. A soak is 1,000,000.</summary>
    public static int Requests => Number("OATHSERVER_FAULT_REQUESTS", 20_000);

    /// <summary>Rounds of a fault: <c>OATHSERVER_FAULT_ROUNDS</c>, otherwise as many as each change runs. A soak is 20 and more.</summary>
    public static int Rounds(int otherwise = 1) => Number("OATHSERVER_FAULT_ROUNDS", otherwise);

    /// <summary>No reply may take longer; far above what is expected, so that only a hang reaches it.</summary>
    public static readonly TimeSpan LongestReply = TimeSpan.FromSeconds(20);

    private static int Number(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : otherwise;
}
