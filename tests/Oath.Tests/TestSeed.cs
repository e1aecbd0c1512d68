using System.Globalization;

namespace Oath.Tests;

/// <summary>Random tests name their seed when they fail, and take one from OATH_TEST_SEED.</summary>
internal static class TestSeed
{
    public static int Value { get; } =
        int.TryParse(Environment.GetEnvironmentVariable("OATH_TEST_SEED"), CultureInfo.InvariantCulture, out int seed)
            ? seed
            : Random.Shared.Next();

    /// <summary>What to print beside a failure: everything needed to see it again.</summary>
    public static string Note(string facts) => $"OATH_TEST_SEED={Value}: {facts}";
}
