namespace OathServer.Operations.Checks;

/// <summary>How a part of a deployment is.</summary>
internal enum Health
{
    Good,

    /// <summary>It works, and will hurt one day.</summary>
    Warning,

    /// <summary>It does not work, or is not safe.</summary>
    Bad,
}

/// <summary>What the doctor found of one part.</summary>
/// <param name="Part">The part, e.g. <c>database</c>.</param>
/// <param name="Health">How it is.</param>
/// <param name="What">What was seen, in words without a secret.</param>
/// <param name="Advice">What to do; null when nothing.</param>
internal sealed record Finding(string Part, Health Health, string What, string? Advice = null)
{
    public static Finding Good(string part, string what) => new(part, Health.Good, what);

    public static Finding Warning(string part, string what, string advice) => new(part, Health.Warning, what, advice);

    public static Finding Bad(string part, string what, string? advice = null) => new(part, Health.Bad, what, advice);
}
