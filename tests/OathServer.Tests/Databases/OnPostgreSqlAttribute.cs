using Xunit.v3;

namespace OathServer.Tests.Databases;

/// <summary>The servers that the tests of this class start keep their data in PostgreSQL. A class that inherits the tests
/// of another runs them on both databases.</summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class OnPostgreSqlAttribute : Attribute, ITraitAttribute
{
    private const string Name = "database";
    private const string Value = "PostgreSql";

    /// <summary>Whether the running test is of such a class.</summary>
    public static bool IsAsked =>
        TestContext.Current.TestClass?.Traits.TryGetValue(Name, out var values) == true && values.Contains(Value);

    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() => [new(Name, Value)];
}
