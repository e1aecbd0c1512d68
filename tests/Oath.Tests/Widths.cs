using Oath.Lanes;

namespace Oath.Tests;

/// <summary>The lane widths that can be forced on this machine.</summary>
internal static class Widths
{
    public static IReadOnlyList<LaneWidth> Here { get; } =
        [.. Enum.GetValues<LaneWidth>().Where(HotpValues.IsSupported)];
}
